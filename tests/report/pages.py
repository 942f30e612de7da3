"""Reading pages back: elements with their attributes and text, by the standard library's parser."""

import json
from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br", "input", "use", "path", "rect", "circle", "line"}


class Element:
    def __init__(self, tag, attributes, parent=None):
        self.tag, self.attributes, self.parent = tag, dict(attributes), parent
        self.children = []

    def walk(self):
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child.walk()

    def all(self, *tags, **attributes):
        named = {name.rstrip("_"): value for name, value in attributes.items()}
        return [
            one
            for one in self.walk()
            if (not tags or one.tag in tags) and all(one.attributes.get(k) == v for k, v in named.items())
        ]

    def classed(self, name):
        return [one for one in self.walk() if name in one.attributes.get("class", "").split()]

    def by_id(self, name):
        (found,) = self.all(id=name)
        return found

    @property
    def text(self):
        if self.tag == "script":
            return ""
        parts = [child.text if isinstance(child, Element) else child for child in self.children]
        return " ".join("".join(parts).split())

    @property
    def json(self):
        """Content of a script that holds data."""
        assert self.attributes["type"] == "application/json"
        return json.loads("".join(self.children))


class _Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.root = self.here = Element("document", ())
        self.unbalanced = []

    def handle_starttag(self, tag, attrs):
        child = Element(tag, attrs, self.here)
        self.here.children.append(child)
        if tag not in VOID:
            self.here = child

    def handle_startendtag(self, tag, attrs):
        self.here.children.append(Element(tag, attrs, self.here))

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        if self.here.tag != tag:
            self.unbalanced.append(tag)
        else:
            self.here = self.here.parent

    def handle_data(self, data):
        self.here.children.append(data)


def read(path):
    """The page as a tree; every element that is opened is closed, in order."""
    reader = _Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    assert reader.unbalanced == []
    assert reader.here is reader.root
    return reader.root


def specs(page):
    """What each chart draws: its figure's spec with its own rows, by the name of its rows."""
    return {
        box.attributes["data-rows"]: page.by_id(box.attributes["data-spec"]).json
        | page.by_id(box.attributes["data-rows"]).json
        for box in page.classed("chart")
    }


def numbers(element):
    """Every `<data value>` below, as numbers."""
    return [float(one.attributes["value"]) for one in element.all("data")]
