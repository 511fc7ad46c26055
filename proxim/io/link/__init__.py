"""WebRTC peers and lanes."""
