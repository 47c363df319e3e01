"""Where labels stand."""


def spread(places, gap):
    """The places, in their order, moved apart until neighbours are a gap apart; their mean stays."""
    order = sorted(range(len(places)), key=lambda one: places[one])
    groups = []  # of neighbours that touch: sum, members
    for one in order:
        groups.append(([places[one]], [one]))
        while len(groups) > 1 and lowest(groups[-1][0], gap) < highest(groups[-2][0], gap) + gap:
            wished, members = groups.pop()
            groups[-1] = groups[-1][0] + wished, groups[-1][1] + members
    found = [0.0] * len(places)
    for wished, members in groups:
        for step, one in enumerate(members):
            found[one] = lowest(wished, gap) + step * gap
    return found


def lowest(wished, gap):
    """Of a group around the mean of what its members wish for."""
    return sum(wished) / len(wished) - gap * (len(wished) - 1) / 2


def highest(wished, gap):
    return lowest(wished, gap) + gap * (len(wished) - 1)
