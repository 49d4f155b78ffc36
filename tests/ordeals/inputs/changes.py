"""How inputs are changed: by bytes, by a value at any depth, by a cell of a table."""

import copy
import csv
import io

ODD = [
    None,
    True,
    -1,
    0,
    1,
    2**40,
    1e308,
    float("nan"),
    "",
    "x",
    "../../etc",
    [],
    {},
    [[]],
    {"a": None},
    "=cmd()",
    "옷" * 99,
]


CSV_ODD = [
    "", " ", "x", "-1", "1e999", "nan", "=cmd()", "../../etc/passwd", "/dev/zero", "\0", "\ufeff", "옷" * 99, "a,b",
    "\"", "a\nb", "x" * 200_000, "{}", "[[1]]", "true", "9" * 5000, "[" * 5000,
]  # fmt: skip


def bytes_changed(content, draw):
    """Bytes with a few flipped, cut out, doubled or put in."""
    content = bytearray(content)
    for _ in range(draw.choice([1, 1, 2, 8])):
        place = draw.randrange(len(content) + 1)
        kind = draw.choice(["flip", "cut", "double", "put", "end", "flip", "cut", "double", "put", "nest"])
        if kind == "flip" and place < len(content):
            content[place] ^= 1 << draw.randrange(8)
        elif kind == "cut":
            del content[place : place + draw.randrange(1, 64)]
        elif kind == "double":
            content[place:place] = content[place : place + 64]
        elif kind == "put":
            content[place:place] = draw.randbytes(draw.randrange(1, 16))
        elif kind == "nest":
            content[place:place] = b"[" * 20_000
        elif kind == "end":
            del content[place:]
    return bytes(content)


def value_changed(value, draw):
    """JSON with one value at any depth replaced, removed or moved."""
    value = copy.deepcopy(value)
    place = value
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return value
        key = draw.choice(keys)
        if isinstance(place[key], dict | list) and place[key] and draw.random() < 0.8:
            place = place[key]
            continue
        if draw.random() < 0.2:
            del place[key]
        else:
            place[key] = draw.choice(ODD)
        return value


def csv_changed(text, draw):
    """A table with one cell changed, a row doubled, a column gone, or changed bytes."""
    rows = list(csv.reader(io.StringIO(text)))
    kind = draw.choice(["cell", "cell", "row", "column", "bytes", "bytes"])
    if kind == "bytes":
        return bytes_changed(text.encode(), draw)
    place, column = draw.randrange(len(rows)), draw.randrange(len(rows[0]))
    if kind == "cell":
        rows[place][column] = draw.choice(CSV_ODD)
    elif kind == "row":
        rows.insert(draw.randrange(len(rows)), list(rows[place]))
    else:
        rows = [row[:column] + row[column + 1 :] for row in rows]
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()
