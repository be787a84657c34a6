"""What to call a browser or program: its own words (`User-Agent`) are too long for people."""

PROGRAMS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
SHOWN_CHARS = 48


def named(user_agent: str) -> str:
    """`Firefox on Windows`; what is no browser that we know is called by the start of its own words."""
    program = next((name for mark, name in PROGRAMS if mark in user_agent), "")
    system = next((name for mark, name in SYSTEMS if mark in user_agent), "")
    if program and system:
        return f"{program} on {system}"
    return user_agent[:SHOWN_CHARS] or "Unknown device"
