"""Numbers and tables as Markdown shows them."""
import math


def signed(value, digits=4):
    if math.isnan(value):
        return "–"
    text = f"{value:+.{digits}f}".replace("-", "−")
    return text[1:] if float(text[1:]) == 0 else text


def fixed(value, digits):
    return f"{value:.{digits}f}"


def number(value, digits=2):
    """1.23e45, or 0."""
    if value is None or math.isnan(value):
        return "–"
    if value == 0:
        return "0"
    mantissa, exponent = f"{value:.{digits}e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def p_text(p):
    if math.isnan(p):
        return "–"
    return "< 1e-6" if p < 1e-6 else f"{p:.2g}" if p >= 0.001 else number(p, 1)


def mean_text(sample, digits=4, show=fixed):
    """2.0535 ± 0.0436, the half width of the 95 % confidence interval."""
    if sample is None:
        return "–"
    return show(sample.mean, digits) + (f" ± {sample.half_width():.{digits}f}" if sample.n > 1 else "")


def span_text(values):
    """3, or 2 – 3 where they differ."""
    low, high = min(values), max(values)
    return f"{low}" if low == high else f"{low} – {high}"


def table(head, rows):
    """Lines of a Markdown table."""
    return ["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *("| " + " | ".join(row) + " |" for row in rows)]
