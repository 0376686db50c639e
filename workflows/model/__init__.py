"""The data: records, state tables and errors. No I/O, no clock, no import of anything else of ours."""
