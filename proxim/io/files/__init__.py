"""Files on this disk, read for a stream or written from one."""
