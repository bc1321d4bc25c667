"""What more than one stage needs: workspace, models, chat template, engines, measuring."""
