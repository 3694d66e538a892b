"""What playbooks can do in AWS and look at there: one line per name. boto3 is imported by none of these modules.

To add one: write its class in the module of its service, add its line here, and its test under tests/aws/. The rules
over all of them are tests/rules/test_actions.py.
"""

from collections.abc import Mapping

from bot.aws import call, ecs, ssm
from bot.aws.dynamodb import compare, reapply, restore, window
from bot.playbook.action import Action, Check

ACTIONS: Mapping[str, Action] = {
    "aws.call": call.Call(),
    "dynamodb.delete_restored": restore.DeleteRestored(),
    "dynamodb.reapply_settings": reapply.ReapplySettings(),
    "dynamodb.restore_pitr": restore.RestorePitr(),
    "ecs.restart_service": ecs.RestartService(),
    "ssm.put_parameter": ssm.PutParameter(),
}

CHECKS: Mapping[str, Check] = {
    "dynamodb.compare": compare.Compare(),
    "dynamodb.restore_window": window.RestoreWindow(),
    "ecs.can_restart": ecs.CanRestart(),
    "ecs.service_steady": ecs.ServiceSteady(),
}
