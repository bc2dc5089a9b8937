"""A process that the server starts before there is a script for it: imports are done when the script comes.

The server starts `python -m tenon_pool` in an empty folder, with the variables that every script has and none of a run. The
process makes a pipe there (`.tenon-run`), says `waiting`, imports, and waits for one line:

    {"python": "…/python", "arguments": ["…/script.py", "--JOB_NAME", "x"], "variables": {…}, "memory_bytes": 4294967296}

It answers `begun` and is from there on what `python script.py …` would be: variables, arguments, limit, `__main__`,
traceback and exit code are the script's own. One process runs one script. A process that finds that the environment has
changed since it has imported ends without an answer, and the server starts the script otherwise.
"""
