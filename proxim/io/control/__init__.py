"""Does with this machine's mouse and keyboard what somebody did who controls its screen."""
