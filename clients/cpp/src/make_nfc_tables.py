"""Writes nfc_tables.inc: what normalisation form C needs, from the Unicode data of this Python."""

import sys
import unicodedata as unicode


def rows(values, width=8):
    texts = [f"{{{', '.join(f'0x{part:X}' for part in value)}}}" for value in values]
    return ",\n".join(
        "    " + ", ".join(texts[i : i + width]) for i in range(0, len(texts), width)
    )


def main():
    decomposed, composed, classes = [], [], []
    for point in range(sys.maxunicode + 1):
        mapping = unicode.decomposition(chr(point))
        if mapping and not mapping.startswith("<"):
            parts = [int(part, 16) for part in mapping.split()]
            decomposed.append((point, *parts, *[0] * (2 - len(parts))))
            # Excluded from composition are those that form C itself takes apart.
            if len(parts) == 2 and unicode.normalize("NFC", chr(point)) == chr(point):
                composed.append((*parts, point))
        number = unicode.combining(chr(point))
        if number:
            if classes and classes[-1][1] == point - 1 and classes[-1][2] == number:
                classes[-1] = (classes[-1][0], point, number)
            else:
                classes.append((point, point, number))
    print(
        f"// Written by make_nfc_tables.py from Unicode {unicode.unidata_version}. Do not edit."
    )
    print("// clang-format off")
    for comment, name, values in (
        (
            "Code point and its canonical decomposition; the second is 0 where there is one.",
            "decompositions",
            decomposed,
        ),
        (
            "Two code points and what they compose to, sorted.",
            "compositions",
            sorted(composed),
        ),
        ("First, last, canonical combining class.", "combining_classes", classes),
    ):
        print(
            f"\n// {comment}\nconstexpr std::array<Row, {len(values)}> {name} = {{{{\n{rows(values)}}}}};"
        )


main()
