"""ARC routing control: switches that say which regions get traffic, thrown at a cluster's five endpoints.

The endpoints are a data plane in five regions, made to outlive any one of them; nothing else here is asked. Where they are
must be known beforehand (`endpoints.py`), because the configuration that tells it lives in one region.

    ready.py      do they answer, and what do they say?
    switch.py     throw several at once; override safety rules, when a person says so
    endpoints.py  where they are
    states.py     the parameters, and reading
"""
