"""Write the pages, and draw the picture unless told ``--no-pictures``."""

import asyncio
import sys

from pages import metrics, picture


def main() -> None:
    """Write into the repository in the working folder."""
    metrics.PAGE.write_text(metrics.page(), encoding="utf-8")
    sys.stdout.write(f"wrote {metrics.PAGE}\n")
    if "--no-pictures" not in sys.argv[1:]:
        drawn = asyncio.run(picture.draw())
        picture.PICTURE.parent.mkdir(parents=True, exist_ok=True)
        picture.PICTURE.write_text(drawn, encoding="utf-8")
        sys.stdout.write(f"drew {picture.PICTURE}\n")


if __name__ == "__main__":
    main()
