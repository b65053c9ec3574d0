import os
import time

count = 0
try:
    while True:
        if os.fork() == 0:
            time.sleep(1000)
        count += 1
except BlockingIOError:
    print(count, "more processes", flush=True)
time.sleep(1000)
