"""What a reader sees of texts with marks around them: HTML, Markdown, e-mails."""
