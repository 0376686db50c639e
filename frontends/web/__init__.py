"""The web page and its HTTP API: shows the followed site, and sends the same commands as the CLI.

It never writes to the store: who may ask for what is checked here by the site's file of people, and once more by the
command consumer; the person's name goes with each command. No secret, and no token, is ever in a page or an answer.
"""
