"""Who gets what a person sends from a link's page: its device only, or all that are linked."""

from dataclasses import dataclass

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.i18n import tr


@dataclass(frozen=True, slots=True)
class Recipients:
    """The open links, for a person who wants to send to all of them."""

    links: tuple[st.LinkStatus, ...]

    def able(self, feature: str) -> tuple[ev.LinkID, ...]:
        """The links that carry texts, or files."""
        return tuple(one.link for one in self.links if feature in one.features)

    @property
    def words(self) -> str:
        """Who gets a text or files, and who is left out of which."""
        names = {
            (text, files): [
                one.peer_name or tr("device.otherLabel")
                for one in self.links
                if (st.TEXT in one.features, st.FILES in one.features) == (text, files)
            ]
            for text in (True, False)
            for files in (True, False)
        }
        everything = names[True, True]
        parts = [tr("known.toThese", names=", ".join(everything))] if everything else []
        for key, left in (
            ("known.onlyTexts", names[True, False]),
            ("known.onlyFiles", names[False, True]),
            ("known.leftOut", names[False, False]),
        ):
            if left:
                parts.append(tr(key, names=", ".join(left)))
        return " ".join(parts)
