"""A user's own data: tables, arrays and folders of images, with all that is done to them declared."""
