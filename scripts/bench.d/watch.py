"""What runs in a service to see when a value changes: watch.py FILE OUTPUT.

Writes a line to OUTPUT for each new value that it reads in FILE: the monotonic clock in nanoseconds, and the value."""

import sys
import time

output = open(sys.argv[2], "a", buffering=1)
last = None
while True:
    with open(sys.argv[1]) as file:
        value = file.read()
    if value != last:
        print(time.monotonic_ns(), value, file=output)
        last = value
    time.sleep(0.0002)
