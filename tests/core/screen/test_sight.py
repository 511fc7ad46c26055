"""What faces draw keeps other people's pixels out of logs."""

from proxim.core import events as ev
from proxim.core.screen import sight
from proxim.core.screen.updates import Rectangle


class Unseen:
    """A Sight of nothing."""

    canvas = (0, 0)

    def scale_to(self, width: int, height: int) -> None:
        raise NotImplementedError

    def take(self) -> sight.Picture:
        raise NotImplementedError

    def drawn(self) -> None:
        raise NotImplementedError

    def figures(self) -> sight.Figures:
        raise NotImplementedError

    def __repr__(self) -> str:
        return "hidden"


def test_no_pixels_are_in_a_repr() -> None:
    link = ev.LinkID("host-1")
    shape = sight.PointerPicture(1, 1, 0, 0, b"hidden")
    patch = sight.Patch(Rectangle(0, 0, 2, 1), b"hidden")
    shown = repr(
        (
            sight.ScreenSight(link, Unseen()),
            sight.Picture(2, 1, (patch,), sight.PointerPlace(0, 0, shape)),
        )
    )
    assert "hidden" not in shown
