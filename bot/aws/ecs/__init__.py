"""ECS: what helps a service whose tasks are sick, too few, or of a bad release.

Where each name is:
    restart.py     ecs.can_restart, ecs.restart_service             new tasks of the same task definition
    rollback.py    ecs.can_roll_back, ecs.rollback_task_definition  the last release that was good    releases.py: which one
    scale_out.py   ecs.can_scale_out, ecs.scale_out                 more tasks    scale_back.py: its undo    scaling.py: both
    stop_tasks.py  ecs.stop_bad_tasks                               the sick ones alone, a few at a time
    leave_zone.py  ecs.leave_zone                               all tasks into the other zones    placing.py: where they are
    return_to_zone.py  ecs.return_to_zone                       and back
    steady.py      ecs.service_steady                               do all tasks stay healthy?
    deploying.py   following a deployment                           service.py  what all of them ask of a service
"""
