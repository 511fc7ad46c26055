"""What the host serves to browsers. Data only; must never hold Python code."""
