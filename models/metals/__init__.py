"""Heavy metals in soil from features of images."""
