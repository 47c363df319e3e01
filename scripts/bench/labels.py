"""Puts names beside points so that they do not lie on each other."""
import itertools
import math

DIRECTIONS = [math.radians(angle) for angle in range(0, 360, 30)]
DISTANCES = (4, 10, 18, 28, 40)  # points


def overlap(a, b):
    """Common area of two boxes (left, bottom, right, top)."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    return max(width, 0) * max(height, 0)


def place_labels(axes, points, size=7.5):
    """`points`: (name, x, y). Draws each name at the nearest free place around its point, with a thin line to it
    where it is not beside it."""
    renderer = axes.figure.canvas.get_renderer()
    point = axes.figure.dpi / 72  # a 72nd of an inch, in pixels
    frame = axes.get_window_extent(renderer).extents
    spots = {name: axes.transData.transform((x, y)) for name, x, y in points}
    taken = [(x - 4 * point, y - 4 * point, x + 4 * point, y + 4 * point) for x, y in spots.values()]
    for name, x, y in sorted(points, key=lambda item: tuple(spots[item[0]])):
        sample = axes.text(0, 0, name, fontsize=size)
        extent = sample.get_window_extent(renderer)
        sample.remove()
        half_width, half_height = extent.width / 2, extent.height / 2

        def box(distance, angle):
            centre_x = spots[name][0] + math.cos(angle) * (distance * point + half_width)
            centre_y = spots[name][1] + math.sin(angle) * (distance * point + half_height)
            return (centre_x - half_width, centre_y - half_height, centre_x + half_width, centre_y + half_height)

        def cost(place):
            candidate = box(*place)
            outside = 4 * half_width * half_height - overlap(candidate, frame)
            return 5 * sum(overlap(candidate, other) for other in taken) + 10 * outside + 20 * place[0]

        best = min(itertools.product(DISTANCES, DIRECTIONS), key=cost)
        left, bottom, right, top = box(*best)
        taken.append((left, bottom, right, top))
        offset = ((left + right) / 2 - spots[name][0], (bottom + top) / 2 - spots[name][1])
        axes.annotate(name, (x, y), tuple(pixels / point for pixels in offset), textcoords="offset points",
                      ha="center", va="center", fontsize=size,
                      arrowprops={"arrowstyle": "-", "color": "0.6", "linewidth": 0.6, "shrinkA": 0, "shrinkB": 2}
                      if best[0] > DISTANCES[0] else None)
