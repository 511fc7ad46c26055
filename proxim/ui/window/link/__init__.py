"""The page of a link: its texts, its transfers and the buttons that send."""
