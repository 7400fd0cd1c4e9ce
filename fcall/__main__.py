"""``python -m fcall``: the command line."""

from fcall.cli import main

if __name__ == "__main__":
    main()
