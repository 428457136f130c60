"""Driver of an emulated lab's control: its clock and its fault schedule."""
