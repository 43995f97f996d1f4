"""Would this cluster take this object from this user? What its admission says of a request to create one.

The answer is yes, no or unknown, with everybody who has a say and why. Followed: the admission chain of Kubernetes 1.36.
Object and policies are known exactly; what a web service would answer, and what a quota has left, nobody knows but them.
Whether the user may send the request at all is the authorizer's question, not this one.
"""

from transom.rules.admits.answer import ASSUMED, Answer, Requester, admits
from transom.rules.admits.say import Say, State

__all__ = ["ASSUMED", "Answer", "Requester", "Say", "State", "admits"]
