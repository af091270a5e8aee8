"""The methods that the paper compares with on PartNet (Tables 1, 2 and 10): one network per category and level."""
