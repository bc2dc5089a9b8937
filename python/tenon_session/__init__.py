"""The process of an interactive session: statements come from the server one after the other and run in one namespace.

The server starts `python -m tenon_session` in a folder of the session's own. Statements come through a pipe with a name in
that folder, one JSON document per line:

    {"run": 3, "code": "x = 1"}      {"cancel": 3}

What comes of them goes to what was standard output, one JSON document per line:

    {"ready": true}     {"print": "text", "of": 3}     {"done": 3, "error": null}
    {"done": 3, "error": {"name": "ValueError", "value": "no", "traceback": ["…"]}}

Whatever else writes to standard output (libraries, children) writes to standard error, which the server takes as a log.
"""
