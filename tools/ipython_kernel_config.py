"""For the kernels of `make lab`, which copies it: what TensorFlow's C++ code says stays in the terminal."""

c = get_config()  # noqa: F821
c.IPKernelApp.capture_fd_output = False
