"""Students: whom a school sends, and which person is linked to them."""
