"""`python -m transom` is the `transom` command."""

from transom.cli import end

if __name__ == "__main__":
    end()
