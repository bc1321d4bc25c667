"""Small building stones of SVG: escaped text, lines, rectangles; colours come from the page's style."""

from __future__ import annotations

from html import escape


def tag(name: str, content: str = "", **attributes: object) -> str:
    """One element; `class_` is written `class`, underscores become hyphens, values are escaped."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_value(value), quote=True)}"'
        for key, value in attributes.items()
    )
    return f"<{name}{written}>{content}</{name}>" if content else f"<{name}{written}/>"


def text(x: float, y: float, content: str, class_: str = "", anchor: str = "start") -> str:
    """A line of text with its baseline at `y`."""
    return tag("text", escape(content), x=x, y=y, class_=class_, text_anchor=anchor)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> str:
    """A straight line."""
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def rectangle(box: tuple[float, float, float, float], class_: str, hint: str = "", **more: object) -> str:
    """A rectangle (x, y, width, height), with a hint where the pointer rests."""
    x, y, width, height = box
    return tag("rect", title(hint), x=x, y=y, width=width, height=height, class_=class_, **more)


def title(hint: str) -> str:
    """What is shown where the pointer rests."""
    return tag("title", escape(hint)) if hint else ""


def picture(width: float, height: float, parts: list[str], label: str) -> str:
    """A whole picture that scales with the page, and what it shows in words."""
    return tag(
        "svg",
        "".join(parts),
        viewBox=f"0 0 {_value(width)} {_value(height)}",
        role="img",
        aria_label=label,
        style=f"max-width:{_value(width)}px",
    )


def _value(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
