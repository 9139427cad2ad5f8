"""Displays that are more than text or a picture: one output out of what an object offers."""
import html

from .own import __builtins__, json, re

TEXT_CHARACTERS_MAX = 4_000  # for the model, of one display
SERIES_NAMED_MAX = 12  # traces or layers in a chart's summary
SUMMARY_DEPTH_MAX = 20

PLOTLY = "application/vnd.plotly.v1+json"
VEGALITE = re.compile(r"application/vnd\.vegalite\.v[456]\+json$")
# What people would choose among several: the data of a chart before its picture, a picture before HTML.
AFTER_IMAGES = ("text/html", "text/markdown", "text/latex", "application/json")

ELEMENTS_WITHOUT_TEXT = re.compile(r"<(script|style|head|title)\b.*?</\1\s*>|<!--.*?-->", re.S | re.I)
NEW_LINES = re.compile(r"<(br|p|div|li|tr|h[1-6])\b[^>]*>", re.I)
TAGS = re.compile(r"<[^>]*>")
NO_REPRESENTATION = re.compile(r"<.*( object| at 0x[0-9a-f]+)>$", re.S)


def clipped_text(text):
    return text if len(text) <= TEXT_CHARACTERS_MAX else text[: TEXT_CHARACTERS_MAX - 1] + "…"


def text_of_html(source):
    text = html.unescape(TAGS.sub(" ", NEW_LINES.sub("\n", ELEMENTS_WITHOUT_TEXT.sub(" ", source))))
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return clipped_text("\n".join(line for line in lines if line))


def length_of(value):
    """How many points a column of a chart has: a list, or an array that plotly has packed into base64."""
    if isinstance(value, (list, tuple)):
        return len(value)
    if isinstance(value, dict) and isinstance(value.get("bdata"), str):
        size = {"1": 1, "2": 2, "4": 4, "8": 8}.get(str(value.get("dtype"))[-1:], 8)
        return len(value["bdata"]) * 3 // 4 // size
    return 0


def title_of(value):
    title = value.get("title") if isinstance(value, dict) else None
    title = title.get("text") if isinstance(title, dict) else title
    return f" “{title[:200]}”" if isinstance(title, str) and title else ""


def named(parts):
    more = len(parts) - SERIES_NAMED_MAX
    return ", ".join(parts[:SERIES_NAMED_MAX]) + (f" and {more} more" if more > 0 else "")


def plotly_summary(figure):
    traces = []
    for trace in figure.get("data") or []:
        points = max((length_of(trace.get(key)) for key in ("x", "y", "z", "values", "labels", "lat")), default=0)
        name = f" “{trace['name'][:80]}”" if isinstance(trace.get("name"), str) and trace["name"] else ""
        traces.append(f"{str(trace.get('type', 'scatter'))[:40]}{name} with {points} points")
    return f"Plotly chart{title_of(figure.get('layout'))}: {named(traces) or 'no traces'}"


def vegalite_summary(spec):
    marks, fields = [], []

    def look(part, depth=0):
        if depth > SUMMARY_DEPTH_MAX or not isinstance(part, dict):
            return
        mark = part.get("mark")
        if mark:
            marks.append(str(mark.get("type") if isinstance(mark, dict) else mark)[:40])
        for channel, value in (part.get("encoding") or {}).items():
            if isinstance(value, dict) and isinstance(value.get("field"), str):
                fields.append(f"{channel} {value['field'][:80]}")
        for key in ("layer", "hconcat", "vconcat", "concat"):
            for child in part.get(key) or []:
                look(child, depth + 1)
        look(part.get("spec"), depth + 1)

    look(spec)
    rows = sum(len(values) for values in (spec.get("datasets") or {}).values() if isinstance(values, list))
    data = spec.get("data")
    rows += len(data["values"]) if isinstance(data, dict) and isinstance(data.get("values"), list) else 0
    return (f"Vega-Lite chart{title_of(spec)}: {named(marks) or 'no marks'}" + (f"; {named(fields)}" if fields else "")
            + f"; {rows} rows")


def as_json(value):
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def rich_output(media_type, value, plain):
    """The output, or None when the value is not of this type."""
    if media_type.startswith("text/"):
        if not isinstance(value, str):
            return None
        data, text = value, ""
        if media_type == "text/html":
            good = isinstance(plain, str) and not NO_REPRESENTATION.match(plain)
            text = clipped_text(plain) if good else text_of_html(value)
    else:
        try:
            data = as_json(value)
        except Exception:  # it holds itself, or something that has no text
            return None
        try:
            text = plotly_summary(value) if media_type == PLOTLY else vegalite_summary(value) \
                if VEGALITE.match(media_type) else clipped_text(data)
        except Exception:  # the chart's data is not what it says
            text = "A chart"
    return {"type": "rich", "media_type": media_type, "data": data, "text": text}


def charts_of(data):
    """The outputs that come before pictures, then (rich_of) those that come after them."""
    return (rich_output(media_type, value, None) for media_type, value in data.items()
            if media_type == PLOTLY or isinstance(media_type, str) and VEGALITE.match(media_type))


def rich_of(data, media_types=AFTER_IMAGES):
    return (rich_output(media_type, data[media_type], data.get("text/plain")) for media_type in media_types
            if media_type in data)


def altair_bundle(chart, *_, **__):
    """Altair's own default is HTML that loads its scripts from elsewhere; the specification holds all that it shows."""
    spec = chart.to_dict()
    version = re.search(r"/v(\d)", str(spec.get("$schema")))
    return {f"application/vnd.vegalite.v{version[1] if version else 5}+json": spec}, {}
