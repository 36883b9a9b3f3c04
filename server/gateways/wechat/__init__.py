"""WeChat, behind a gateway of our own over wechatpy."""
