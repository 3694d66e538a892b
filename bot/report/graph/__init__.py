"""A playbook drawn as a graph, and a run of it with its states.

nodes.py    what is said of each step             layout.py   which stands where, and which lines there are
text.py     for the terminal                      svg.py      for a browser, a phone, a page
png.py      for Slack
"""
