"""What every capability stands on and nothing about the business."""
