"""What no comparison in Python can be faster than: start, read the same lists, decode them.

Usage: floor.py HOST PORT CA CERTIFICATE KEY PATH…
"""

import http.client
import ssl
import sys

import orjson


def main() -> None:
    """Reads every PATH over one connection and prints how many objects there were."""
    host, port, authority, certificate, key, *paths = sys.argv[1:]
    context = ssl.create_default_context(cafile=authority)
    context.load_cert_chain(certificate, key)
    connection = http.client.HTTPSConnection(host, int(port), context=context)
    count = 0
    for path in paths:
        connection.request("GET", path, headers={"Accept": "application/json"})
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != http.client.OK:
            sys.exit(f"{path}: {answer.status}")
        count += len(orjson.loads(content)["items"])
    print(count)


if __name__ == "__main__":
    main()
