"""The demo's room: four members made of test pictures, the relay between them, how it is judged.

Used by deploy/demo and by the end-to-end tests; python3 with its standard library, and ffmpeg.
"""
