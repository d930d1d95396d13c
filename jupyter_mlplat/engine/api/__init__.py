"""The HTTP API: one small module per noun, each handler parses, calls one service method, answers.

Lives here: parsing, caps, status codes, streams. Does not: anything decided. The routes are in
`resources.routes`; `app` refuses to start when a handler is missing or too many.
"""
