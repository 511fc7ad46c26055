"""Channels over a link's lane, as a feature of links that has nothing but its word.

A peer that says it reads frames of the kind CHANNEL (lane_frames.py). Then channels that carry
much, such as the pictures of a screen, go over the lane as long as it is open, and over a data
channel of the same label otherwise.
"""

from typing import Final

from proxim.core.link.features import LinkFeature, PeerLink

LANE_CHANNELS: Final = "lane-channels"


class LaneChannels(LinkFeature):
    """Says in `hello` that this program reads channels over lanes."""

    word = LANE_CHANNELS


def knows_lane_channels(link: PeerLink) -> bool:
    """Whether the peer reads channels over lanes."""
    return LANE_CHANNELS in link.status.features


def uses_lane(link: PeerLink) -> bool:
    """Whether a channel of this link goes over its lane now."""
    return knows_lane_channels(link) and link.lane_open
