"""What every chapter needs: files, progress, events, precision, resuming and searching."""
