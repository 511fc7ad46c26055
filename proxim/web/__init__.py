"""What the host serves to browsers: data, and no Python code."""
