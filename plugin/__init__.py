"""The desktop part of the plugin."""
