"""Training: many small networks at once, each as by a plain PyTorch loop."""
