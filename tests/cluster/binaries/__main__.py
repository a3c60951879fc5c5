"""`make binaries`: build what the cache lacks, and say where everything is."""

import sys

from cluster.binaries import BuildFailed, ensure
from cluster.narration import narrate

if __name__ == "__main__":
    try:
        for program, path in ensure().items():
            narrate(f"{program}: {path}")
    except BuildFailed as failure:
        sys.exit(str(failure))
    except KeyboardInterrupt:
        sys.exit("interrupted; the next run takes up what was compiled")
