"""What an XID means and what to do about it. NVIDIA, "XID Errors" and "GPU Debug Guidelines", in our words.

One line an XID: who is at fault in short, then the next step. What the table lacks is told by its number alone.
"""

_APPLICATION = "look at the program first: a wrong address, a bad kernel; with many programs, at the GPU"
_RESET = "stop what runs on the GPU and reset it (nvidia-smi --gpu-reset)"
_FIRMWARE = "reset the GPU or reboot; if it returns, update driver and firmware, then have the GPU replaced"
_NVLINK = "look at the other GPUs and switches of the link; reset them together; if it returns, have the link checked"

XIDS: dict[int, tuple[str, str]] = {
    8: ("a program's work did not end in time", _APPLICATION),
    13: ("a program caused a fault in the graphics engine", _APPLICATION),
    31: ("a program touched memory that is not its own", _APPLICATION),
    32: ("a command stream was damaged, by a program, the driver or PCIe", "look at the program, then at PCIe errors"),
    38: ("the driver's firmware failed", "update the driver; if it returns, report it to NVIDIA"),
    43: ("a program's work was stopped, the GPU is well", "look at the program: it ended with an error"),
    44: ("the driver lost a program's context", "look at the XID before it; restart the program"),
    45: ("work was cleaned up, since a program ended or another fault came", "look at the XID before it"),
    46: ("the GPU stopped answering its own scheduler", _RESET),
    48: ("memory error that could not be corrected", _RESET + "; look for rows that wait to be remapped"),
    56: ("the display engine failed", "update the driver"),
    57: ("memory could not be set up at the link", "reboot; if it returns, have the GPU replaced"),
    58: ("the memory clock could not be set", "reboot; if it returns, have the GPU replaced"),
    61: ("the GPU's power controller halted or warns", _RESET + "; if it returns, update the driver"),
    62: ("the GPU's power controller halted", _FIRMWARE),
    63: ("a page or row of memory will be taken out of use", "reset the GPU when its work is done"),
    64: ("a page or row of memory could not be taken out of use", _RESET + "; if it returns, have it replaced"),
    65: ("the video engine failed", _APPLICATION),
    66: ("the driver refused an illegal access of a program", _APPLICATION),
    68: ("the video decoder failed", _APPLICATION),
    69: ("a program caused a fault in the compute class", _APPLICATION),
    74: ("NVLink error", _NVLINK),
    79: ("the GPU has left the PCIe bus", "drain the host and reboot; then check power, temperature, riser and seat"),
    80: ("data from the host came damaged", "look at PCIe errors; if it returns, have slot and GPU checked"),
    92: ("many memory errors were corrected", "watch the remapped rows; have the GPU checked if it goes on"),
    94: ("memory error that hit one program only", "restart that program; reset the GPU when its work is done"),
    95: ("memory error that may have hit every program", "distrust their results; " + _RESET + " at once"),
    109: ("a switch between programs did not end in time", _RESET + "; if it returns, update the driver"),
    110: ("the security processor failed", _FIRMWARE),
    119: ("the GPU's firmware (GSP) did not answer", _FIRMWARE),
    120: ("the GPU's firmware (GSP) failed", _FIRMWARE),
    121: ("error on the link between GPU and CPU was corrected", "nothing now; have the link checked if it goes on"),
    122: ("the GPU's settings memory could not be read", "update the firmware; if it returns, have the GPU replaced"),
    123: ("the power controller did not answer", _RESET),
    136: ("a link could not be trained", _NVLINK),
    137: ("NVLink told of a program's fault at the other end", "look at the XIDs of the other GPUs of the link"),
    140: ("memory error that ECC could not correct", _RESET),
    143: ("a GPU could not be set up", _FIRMWARE),
    144: ("NVLink's link layer failed", _NVLINK),
    145: ("NVLink's receiver failed", _NVLINK),
    149: ("NVLink's network layer failed", _NVLINK),
    154: ("the driver asks for more than a restart of programs", "do what its line in the kernel's log asks for"),
}


def advice(xid: int) -> tuple[str, str]:
    """Meaning and next step; empty for what the table lacks, as new drivers bring new ones."""
    return XIDS.get(xid, ("", ""))
