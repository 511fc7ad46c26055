"""Tests that what a line face writes reaches its reader, or else the program ends."""

import io

from proxim.core import events as ev
from proxim.ui.text.model import FaceModel, FaceOptions, Role
from proxim.ui.text.output import Output
from tests.rows import each_row


class _Buffered(io.StringIO):
    flushed = ""

    def flush(self) -> None:
        self.flushed = self.getvalue()


class _Gone(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


class _Closed(io.StringIO):
    def flush(self) -> None:
        raise ValueError("I/O operation on closed file")


@each_row("out", [_Gone(), _Closed()])
def test_a_reader_that_has_gone_ends_the_program(out: io.StringIO) -> None:
    posted: list[ev.Intent] = []
    model = FaceModel(FaceOptions(Role.HOST), posted.append, lambda: 1000.0)
    Output(out, model).write("a line")
    assert posted == [ev.Shutdown()]
    assert model.exit_status == 1


def test_what_is_written_is_flushed() -> None:
    pipe = _Buffered()
    model = FaceModel(FaceOptions(Role.HOST), lambda intent: None, lambda: 1000.0)
    Output(pipe, model).write("a line")
    assert pipe.flushed == "a line"
    assert not model.closing
