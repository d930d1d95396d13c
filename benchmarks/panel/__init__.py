"""The side panel in a real JupyterLab: how soon it is there, how it scrolls, what it costs to type.

`history.py` fills a state directory with runs, `lab.py` starts JupyterLab on it, `browser.py`
measures in Chromium.
"""
