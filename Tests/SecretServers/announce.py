"""Says where a server is, and waits for its end."""
import json, os, signal, sys


def announce(facts, at_end=lambda: None):
    """Writes the facts as one line of JSON: to standard output, and ends when standard input does; or, in a transcript, to the file
    that the first argument names, and ends by SIGTERM."""
    if len(sys.argv) > 1:
        signal.signal(signal.SIGTERM, lambda *_: None)
        with open(sys.argv[1] + ".new", "w") as file:
            json.dump(facts, file)
        os.rename(sys.argv[1] + ".new", sys.argv[1])
        signal.pause()
    else:
        print(json.dumps(facts), flush=True)
        sys.stdin.read()
    at_end()
    os._exit(0)
